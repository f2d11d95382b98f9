#!/bin/sh
# certs.sh FOLDER: a root (ca), another one that nobody trusts (ca2), and a
# server's certificate of each (good, bad) for the names that the cases use.
set -eu
mkdir -p "$1"
cd "$1"

root()
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" \
	    -out "$1.crt" -days 3650 -subj "/CN=$2" \
	    -addext basicConstraints=critical,CA:TRUE \
	    -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

# server NAME ROOT
server()
{
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" \
	    -subj "/CN=conformance-$1" 2>/dev/null
	cat >"$1.ext" <<-END
		subjectAltName=$names
		basicConstraints=critical,CA:FALSE
		keyUsage=critical,digitalSignature,keyEncipherment
		extendedKeyUsage=serverAuth
	END
	openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" \
	    -CAcreateserial -days 3650 -out "$1.crt" -extfile "$1.ext" \
	    2>/dev/null
}

names="DNS:localhost,IP:127.0.0.1,IP:::1,DNS:*.amazonaws.com"
for region in us-east-1 us-east-2 us-west-2 eu-west-1 eu-central-1 \
    us-gov-west-1 us-mars-1 ap-south-1; do
	names="$names,DNS:*.$region.amazonaws.com,DNS:*.$region.api.aws"
done
names="$names,DNS:*.cn-north-1.amazonaws.com.cn"
names="$names,DNS:*.eusc-de-east-1.amazonaws.eu,DNS:*.us-iso-east-1.c2s.ic.gov"
root ca "Conformance Root"
root ca2 "Untrusted Root"
server good ca
server bad ca2
