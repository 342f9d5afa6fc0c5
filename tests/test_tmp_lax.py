import pytest
from tests.support.citizens import *
async def test_x(client):
    j = await join(client)
    for b in [b'{"count":"2"}', b'{"count":2.0}', b'{"count":true}', b'{"count":2,"count":3}', b'{"count":NaN}', b'{"count":1e0}', b'{"count":null}', b'\xef\xbb\xbf{"count":1}']:
        a = await client.post("/v1/me/codes", content=b, headers=j.headers|{"content-type":"application/json"})
        print(b, a.status_code, a.text[:200])
    for b in [b'{"purpose":12,"version":"1"}', b'{"purpose":"pos_blood","version":"1"}', b'{"purpose":"pos_blood","version":true}']:
        a = await client.post("/v1/me/consents", content=b, headers=j.headers|{"content-type":"application/json"})
        print(b, a.status_code, a.text[:300])
    for q in ["eligible=1","eligible=maybe","eligible=","limit=%201","limit=1.0","limit=1e1","limit=٣","limit=","limit=1&limit=2","cursor=%00","scenario=%00","scenario=a%FF", "unknown=1"]:
        a = await client.get("/v1/me/benefits?"+q, headers=j.headers)
        print(q, a.status_code, a.text[:300])
