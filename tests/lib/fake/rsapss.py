# SPDX-License-Identifier: MIT
"""RSASSA-PSS with SHA-256, written out with integers and hashlib.

The agent signs with PSS although its header says AWS4-HMAC-SHA256. Nothing
here comes from a crypto library, so that a mistake of the product's own
encoder cannot be shared by the verifier (RFC 8017, sections 8.1.2, 9.1.2).
"""

import hashlib
import math

RSA_OID = bytes.fromhex("2a864886f70d010101")
HASH_LENGTH = 32


class BadKey(ValueError):
    """The bytes are not an RSA public key that we accept."""


def _element(data, offset, tag):
    """Return (content, end) of the DER element with this tag at offset."""
    if offset + 2 > len(data) or data[offset] != tag:
        raise BadKey("tag 0x%02x expected at %d" % (tag, offset))
    length = data[offset + 1]
    start = offset + 2
    if length & 0x80:
        count = length & 0x7f
        if not 1 <= count <= 4 or start + count > len(data):
            raise BadKey("bad length at %d" % offset)
        length = int.from_bytes(data[start:start + count], "big")
        if length < 0x80 or data[start] == 0:
            raise BadKey("length is not in its shortest form")
        start += count
    end = start + length
    if end > len(data):
        raise BadKey("element runs past the end")
    return data[start:end], end


def _whole(data, tag):
    """Return the content of the one element that data consists of."""
    content, end = _element(data, 0, tag)
    if end != len(data):
        raise BadKey("trailing bytes")
    return content


def _integer(data, offset):
    """Return (value, end) of a positive DER INTEGER at offset."""
    content, end = _element(data, offset, 0x02)
    if not content or content[0] & 0x80:
        raise BadKey("integer is empty or negative")
    if len(content) > 1 and content[0] == 0 and not content[1] & 0x80:
        raise BadKey("integer is padded")
    return int.from_bytes(content, "big"), end


def parse_spki(der, least_bits=2048):
    """Return (modulus, exponent) of a DER SubjectPublicKeyInfo."""
    outer = _whole(der, 0x30)
    algorithm, end = _element(outer, 0, 0x30)
    oid, after = _element(algorithm, 0, 0x06)
    if oid != RSA_OID or algorithm[after:] != b"\x05\x00":
        raise BadKey("not an rsaEncryption key")
    bits = _whole(outer[end:], 0x03)
    if not bits or bits[0] != 0:
        raise BadKey("bit string has unused bits")
    pair = _whole(bits[1:], 0x30)
    modulus, offset = _integer(pair, 0)
    exponent, offset = _integer(pair, offset)
    if offset != len(pair):
        raise BadKey("trailing bytes")
    if modulus.bit_length() < least_bits or modulus % 2 == 0:
        raise BadKey("modulus too small or even")
    if exponent < 3 or exponent % 2 == 0:
        raise BadKey("bad public exponent")
    return modulus, exponent


def mgf1(seed, length):
    """Return MGF1-SHA256 of seed, length bytes long."""
    blocks = math.ceil(length / HASH_LENGTH)
    mask = b"".join(
        hashlib.sha256(seed + counter.to_bytes(4, "big")).digest()
        for counter in range(blocks))
    return mask[:length]


def _unmask(encoded, bits):
    """Split the encoded message into its data block and its hash."""
    if encoded[-1] != 0xbc:
        return None, None
    split = len(encoded) - HASH_LENGTH - 1
    masked, digest = encoded[:split], encoded[split:-1]
    spare = 8 * len(encoded) - bits
    if masked[0] >> (8 - spare):
        return None, None
    mask = mgf1(digest, split)
    block = bytearray(a ^ b for a, b in zip(masked, mask))
    block[0] &= 0xff >> spare
    return bytes(block), digest


def verify(key, message, signature, salt_length=32):
    """Tell whether signature is the PSS-SHA256 signature of message."""
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= modulus:
        return False
    bits = modulus.bit_length() - 1
    length = (bits + 7) // 8
    encoded = pow(value, exponent, modulus)
    if encoded.bit_length() > 8 * length:
        return False
    block, digest = _unmask(encoded.to_bytes(length, "big"), bits)
    if block is None:
        return False
    zeros = len(block) - salt_length - 1
    if zeros < 0 or any(block[:zeros]) or block[zeros] != 0x01:
        return False
    salt = block[zeros + 1:]
    inner = hashlib.sha256(message).digest()
    return hashlib.sha256(bytes(8) + inner + salt).digest() == digest
