"""What a citizen is told (通知), and how it reaches the phone.

Words: *notice* (a title and a text for one citizen, read in the mini-program), *delivery* (pending, sent, failed, or
none where there is no way), *channel* (WeChat subscribe message, else SMS), *quota* (how many messages the citizen has
let us send by WeChat's one-time subscription, as the phone reported).

Promises: a notice is stored in the transaction of what it is about, and once for each subject. Sending happens
afterwards, in the worker; two workers never send the same one, and only a crash between the service's answer and our
commit can send it a second time. Messages lead to the notice and say little; the text stays here. Leaving deletes all.
"""
