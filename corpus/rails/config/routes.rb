Rails.application.routes.draw do
  get "up", to: "rails/health#show"
  get "ready", to: "health#ready"
  resources :members, only: [:index, :show, :create]
  delete "members/:id", to: "exits#destroy"
  mount Yabeda::Prometheus::Exporter => "/metrics"
end
