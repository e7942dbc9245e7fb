from tests.models.vlms.conftest import connect as connect
from tests.models.vlms.conftest import serve as serve
