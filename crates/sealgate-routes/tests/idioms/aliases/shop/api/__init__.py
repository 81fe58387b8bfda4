from ..types import *
from ..types import Buyer as Purchaser
