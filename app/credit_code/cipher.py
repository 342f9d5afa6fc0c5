"""FF1 (NIST SP 800-38G, AES-256) on decimal strings of one even length under one tweak: digits in, digits out."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

RADIX = 10
ROUNDS = 10
BLOCK_BYTES = 16
DIGITS_MIN = 6
DIGITS_MAX = 56


class DecimalCipher:
    """FF1 for one key, length and tweak; what the ten rounds share is computed once.

    A general FF1 encrypts the tweak again in every round and spells out numerals one by one; this one costs a single
    AES block a round, about a fifth of the time. The tests hold it to the NIST vectors and to ``libffx``.
    """

    def __init__(self, key: bytes, *, digits: int, tweak: bytes) -> None:
        assert DIGITS_MIN <= digits <= DIGITS_MAX, "the standard's smallest domain; one block of output a round"
        assert digits % 2 == 0, "one modulus serves both halves"
        # ECB of single blocks is the bare AES that the standard builds FF1 from; no data is encrypted this way.
        self._encrypt_block = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
        self._modulus: int = RADIX ** (digits // 2)
        number_bytes = ((self._modulus - 1).bit_length() + 7) // 8
        output_bytes = 4 * ((number_bytes + 3) // 4) + 4
        self._spare_bits = 8 * (BLOCK_BYTES - output_bytes)
        header = (
            b"\x01\x02\x01"
            + RADIX.to_bytes(3)
            + bytes((ROUNDS, digits // 2))
            + digits.to_bytes(4)
            + len(tweak).to_bytes(4)
        )
        fixed = header + tweak + bytes((-len(tweak) - number_bytes - 1) % BLOCK_BYTES)
        whole = len(fixed) // BLOCK_BYTES * BLOCK_BYTES
        chain = 0
        for start in range(0, whole, BLOCK_BYTES):
            chain = self._chain(chain ^ int.from_bytes(fixed[start : start + BLOCK_BYTES]))
        self._rounds = [
            chain ^ int.from_bytes(fixed[whole:] + bytes((number,)) + bytes(number_bytes)) for number in range(ROUNDS)
        ]
        self._rounds_back = self._rounds[::-1]

    def _chain(self, block: int) -> int:
        return int.from_bytes(self._encrypt_block(block.to_bytes(BLOCK_BYTES)))

    def encrypt(self, plain: int) -> int:
        """Encrypt the number that the digits spell (Algorithm 7)."""
        left, right = divmod(plain, self._modulus)
        encrypt_block, modulus, spare = self._encrypt_block, self._modulus, self._spare_bits
        for fixed in self._rounds:
            output = int.from_bytes(encrypt_block((fixed ^ right).to_bytes(BLOCK_BYTES))) >> spare
            left, right = right, (left + output) % modulus
        return left * modulus + right

    def decrypt(self, cipher: int) -> int:
        """Decrypt the number that the digits spell (Algorithm 8)."""
        left, right = divmod(cipher, self._modulus)
        encrypt_block, modulus, spare = self._encrypt_block, self._modulus, self._spare_bits
        for fixed in self._rounds_back:
            output = int.from_bytes(encrypt_block((fixed ^ left).to_bytes(BLOCK_BYTES))) >> spare
            left, right = (right - output) % modulus, left
        return left * modulus + right
