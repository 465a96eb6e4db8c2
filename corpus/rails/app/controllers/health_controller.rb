class HealthController < ApplicationController
  def ready
    ActiveRecord::Base.connection.execute("SELECT 1")
    Newsletter.new.ping
    render json: { database: "up", newsletter: "up" }
  end
end
