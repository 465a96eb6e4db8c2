class Rack::Attack
  Rack::Attack.cache.store = ActiveSupport::Cache::RedisCacheStore.new(url: ENV["REDIS_URL"])

  throttle("requests by ip", limit: 300, period: 60) do |request|
    request.ip
  end

  throttle("sign-ups by ip", limit: 5, period: 60) do |request|
    request.ip if request.path == "/members" && request.post?
  end
end
