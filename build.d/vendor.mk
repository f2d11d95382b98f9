# SPDX-License-Identifier: MIT
# The libraries of one flavour, from build/source.
include build.d/flags.mk

SRC := build/source

# Randomness comes from the kernel through base/rng only: BearSSL's own
# sources (RDRAND, /dev/urandom) are switched off, so that an engine or
# generator that nobody seeded fails instead of going on.
BEARSSL_CFLAGS := -DBR_RDRAND=0 -DBR_USE_URANDOM=0 -DBR_USE_WIN32_RAND=0 \
	-I$(SRC)/bearssl/inc -I$(SRC)/bearssl/src
# cJSON recurses on what a peer sends; its own limit is 1000.
CJSON_CFLAGS := -DCJSON_NESTING_LIMIT=32
CMOCKA_CFLAGS := -I$(VENDOR) -I$(SRC)/cmocka/include -DHAVE_CONFIG_H=1

BEARSSL_C := $(sort $(shell find $(SRC)/bearssl/src -name '*.c'))
BEARSSL_O := $(BEARSSL_C:$(SRC)/%.c=$(VENDOR)/%.o)
LIBRARIES := $(VENDOR)/libbearssl.a $(VENDOR)/libcjson.a

.PHONY: libraries musl cmocka
cmocka: $(VENDOR)/libcmocka.a
libraries: $(LIBRARIES)

$(VENDOR)/libbearssl.a: $(BEARSSL_O)
$(VENDOR)/libcjson.a: $(VENDOR)/cjson/cJSON.o
$(VENDOR)/libcmocka.a: $(VENDOR)/cmocka/src/cmocka.o
$(VENDOR)/%.a:
	rm -f $@
	$(CROSS)ar rcsD $@ $^

# What a call of AWS spends its time on, for 5 KiB: a third less of its time.
# Others are not faster this way, among them the other curves; X25519 would be
# with -O3, for 6 KiB that the program does not have.
FAST_O := hash/multihash hash/sha2big hash/sha2small int/i31_montmul \
	int/i31_muladd int/i62_modpow2 ssl/ssl_hs_client ec/ec_c25519_m31
$(FAST_O:%=$(VENDOR)/bearssl/src/%.o): VENDOR_CFLAGS += $(FAST)

$(VENDOR)/bearssl/%.o: $(SRC)/bearssl/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(VENDOR_CFLAGS) $(BEARSSL_CFLAGS) -c -o $@ $<

$(VENDOR)/cjson/%.o: $(SRC)/cjson/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(VENDOR_CFLAGS) $(CJSON_CFLAGS) -c -o $@ $<

$(VENDOR)/cmocka/%.o: $(SRC)/cmocka/%.c $(VENDOR)/config.h \
    $(SRC)/cmocka.key
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(VENDOR_CFLAGS) $(CMOCKA_CFLAGS) -c -o $@ $<

# What cmocka's own configuration finds with musl and with glibc alike.
CMOCKA_HAVE := MALLOC_H INTTYPES_H SIGNAL_H STRINGS_H STRSIGNAL \
	GCC_THREAD_LOCAL_STORAGE CLOCK_REALTIME SIGLONGJMP STRUCT_TIMESPEC
$(VENDOR)/config.h:
	printf '#define HAVE_%s 1\n' $(CMOCKA_HAVE) > $@

# musl: headers, libc.a and start files in $(MUSL); the kernel's headers
# beside them.
KERNEL_INCLUDE := $(if $(CROSS),/usr/$(MUSL_ARCH)-linux-gnu/include,/usr/include)
# Our variables stay out of the Makefile of musl, which has an ARCH as well.
MAKEOVERRIDES :=
musl: $(MUSL)/lib/libc.a
$(MUSL)/lib/libc.a:
	rm -rf $(VENDOR)/musl-build $(MUSL)
	mkdir -p $(VENDOR)/musl-build
	cd $(VENDOR)/musl-build && CC=$(GCC) \
	    CROSS_COMPILE=$(CROSS) \
	    CFLAGS="-Os -pipe -fPIE $(STACK) -ffunction-sections \
	    -fdata-sections \
	    -ffile-prefix-map=$(ROOT)=." \
	    $(ROOT)/$(SRC)/musl/configure $(if $(CROSS),--target=$(MUSL_ARCH)) \
	    --prefix=$(ROOT)/$(MUSL) --disable-shared --enable-wrapper=no \
	    > configure.log 2>&1
	$(MAKE) -C $(VENDOR)/musl-build install > $(VENDOR)/musl-build/log 2>&1
	ln -s $(KERNEL_INCLUDE)/linux $(KERNEL_INCLUDE)/asm-generic \
	    $(MUSL)/include/
	ln -s $(or $(wildcard /usr/include/$(MUSL_ARCH)-linux-gnu/asm),\
	    $(KERNEL_INCLUDE)/asm) $(MUSL)/include/asm
