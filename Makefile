# SPDX-License-Identifier: MIT
# ssm-activate from sources that are unpacked already, where ./build.sh (Debian)
# does not serve:
#
#     make BEARSSL=../bearssl CJSON=../cjson CC=musl-gcc
#
# BEARSSL and CJSON are folders with the sources that vendor/README.md names, to
# which the patches in vendor/patches were applied.  CC is a compiler for a
# static C library, best musl; the kernel's headers must be among its own, which
# KERNEL_INCLUDE gives to musl-gcc of Debian.  CA_FOLDER has the certificates of
# Mozilla's list, one a file.  It makes build/plain/ssm-activate, without what a
# release has on top: checks of the sources, hardening beyond the compiler's
# options below, reproducible bytes.
CC         = musl-gcc
CFLAGS     = -Os -fstack-protector-strong -ftrivial-auto-var-init=zero
LDFLAGS    = -static -Wl,-z,relro,-z,now,-z,noexecstack -Wl,-T,build.d/start.ld
CA_FOLDER  = /usr/share/ca-certificates/mozilla
OUT       := build/plain

SOURCES   := $(sort $(shell find src -name '*.c'))
LIBRARIES := $(sort $(shell find '$(BEARSSL)/src' -name '*.c' 2>/dev/null))
OBJECTS   := $(SOURCES:%.c=$(OUT)/%.o) $(OUT)/gen/ca_roots.o \
	$(OUT)/gen/version.o $(OUT)/cJSON.o \
	$(LIBRARIES:$(BEARSSL)/%.c=$(OUT)/bearssl/%.o)
FLAGS      = $(CFLAGS) -std=c11 -D_GNU_SOURCE -Isrc -I$(BEARSSL)/inc -I$(CJSON) \
	$(KERNEL_INCLUDE:%=-idirafter %)

$(OUT)/ssm-activate: $(OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS)

$(OBJECTS): | ready
.PHONY: ready clean
ready:
	@[ -f "$(BEARSSL)/inc/bearssl.h" ] && [ -f "$(CJSON)/cJSON.c" ] || { \
	    echo 'usage: make BEARSSL=FOLDER CJSON=FOLDER [CC=musl-gcc]'; exit 1; }
	@build.d/patched.sh '$(BEARSSL)' '$(CJSON)'

$(OUT)/gen/%.c: CHANGELOG.md LICENSE vendor/roots.lock build.d/generate.sh | ready
	@mkdir -p $(@D)
	CA_FOLDER='$(CA_FOLDER)' build.d/plain.sh $* '$(BEARSSL)' '$(CJSON)' >$@.new
	mv $@.new $@
$(OUT)/gen/%.o: $(OUT)/gen/%.c
	$(CC) $(FLAGS) -c -o $@ $<
$(OUT)/cJSON.o: $(CJSON)/cJSON.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DCJSON_NESTING_LIMIT=32 -c -o $@ $<
$(OUT)/bearssl/%.o: $(BEARSSL)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DBR_RDRAND=0 -DBR_USE_URANDOM=0 -I$(BEARSSL)/inc \
	    -I$(BEARSSL)/src -c -o $@ $<
$(OUT)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -include src/base/banned.h -MMD -MP -c -o $@ $<

clean:
	rm -rf $(OUT)
-include $(SOURCES:%.c=$(OUT)/%.d)
