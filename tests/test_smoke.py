async def test_app_starts(client):
    answer = await client.get("/nothing")
    print(answer.status_code, answer.text, answer.headers)
    assert answer.status_code == 404
