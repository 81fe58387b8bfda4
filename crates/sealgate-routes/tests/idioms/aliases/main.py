from fastapi import FastAPI

from shop.api.orders import router

app = FastAPI(openapi_url=None)
app.include_router(router)
