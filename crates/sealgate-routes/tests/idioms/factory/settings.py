from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    root: str = "/v1"
    debug: bool = False


settings = Settings()
API = "/api"
