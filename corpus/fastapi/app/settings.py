from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
    reviews_url: str
    api_token: str
    log_level: str = "INFO"


settings = Settings()
