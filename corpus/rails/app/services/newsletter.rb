class Newsletter
  def subscribe(email)
    Stoplight("newsletter") { connection.post("/subscribers", { email: email }) }.run
  end

  def lists
    Stoplight("newsletter") { connection.get("/lists") }.run
  end

  def ping
    Stoplight("newsletter") { connection.get("/health") }.run
  end

  private

  def connection
    @connection ||= Faraday.new(url: ENV.fetch("NEWSLETTER_URL"), request: { timeout: 2, open_timeout: 1 }) do |f|
      f.request :json
      f.request :retry, max: 2, interval: 0.2, interval_randomness: 0.5, backoff_factor: 2
      f.response :raise_error
    end
  end
end
