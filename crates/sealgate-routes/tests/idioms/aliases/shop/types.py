from typing import Annotated

from fastapi import Depends

from .auth import Member, buyer, page, signed_in

CurrentMember = Annotated[Member, Depends(signed_in)]
type Buyer = Annotated[Member, Depends(buyer)]
Noted = Annotated[CurrentMember, "noted"]
Page = Annotated[int, Depends(page)]
