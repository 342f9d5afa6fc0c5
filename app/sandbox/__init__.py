"""The outside parts a city talks to, played in their own wire formats: WeChat's server API, Tencent Cloud faceid, SMS.

For the demo, the tests and a city without an appid: the real clients run against it, credentials and signatures are
checked as the real services do. It knows nothing of the rest of the application and shares no code with it.

Login codes ``demo-…`` are people (same code, same openid), phone codes ``demo-phone-…`` are phones, and every
checksum-valid ID number is verified, except that the name 不符 and a phone of ``demo-phone-other-…`` never match.
``err-40163`` answers that errcode; ``slow-…``, ``trickle-…``, ``huge-…``, ``garbled-…`` and ``down-…`` misbehave.
Who logs in as ``demo-noquota-…``, ``demo-wxflaky-…`` or ``demo-wxdown-…`` is not reached by messages, at first or ever;
``demo-phone-barred-…`` takes no SMS. ``POST /sandbox/access-token?errcode=40014`` makes WeChat's access token die.
"""
