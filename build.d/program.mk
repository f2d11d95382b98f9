# SPDX-License-Identifier: MIT
# Our own code in one flavour: the program, the stand-in agent, unit tests,
# drivers that are compared with other implementations, and fuzz targets.
# Every .c file of src/ belongs to the program.
include build.d/flags.mk

SOURCES  := $(sort $(shell find src -name '*.c'))
GEN      := $(patsubst %,$(OUT)/build/gen/%.o,ca_roots version)
OBJECTS  := $(SOURCES:%.c=$(OUT)/%.o) $(GEN)
MODULES  := $(filter-out $(OUT)/src/main.o,$(OBJECTS))
ifeq ($(FLAVOUR),cover)
MODULES  += $(OUT)/tests/lib/cover/flush.o
endif
LIBS     := $(VENDOR)/libbearssl.a $(VENDOR)/libcjson.a

STANDIN  := $(sort $(shell find tests/lib/standin -name '*.c' 2>/dev/null))
DENY     := $(sort $(wildcard tests/lib/deny/*.c))
UNIT     := $(sort $(wildcard tests/unit/test_*.c))
UNIT_AID := $(sort $(wildcard tests/lib/unit/*.c))
INTEROP  := $(sort $(wildcard tests/interop/*.c))
FUZZ     := $(sort $(wildcard tests/fuzz/fuzz_*.c))

.PHONY: program objects standin deny unit interop replay FORCE
objects: $(OBJECTS)
program: $(OUT)/ssm-activate
standin: $(OUT)/amazon-ssm-agent-standin
deny: $(DENY:tests/lib/deny/%.c=$(OUT)/deny/%)
unit: $(UNIT:tests/unit/%.c=$(OUT)/unit/%)
interop: $(INTEROP:tests/interop/%.c=$(OUT)/interop/%)
replay: $(FUZZ:tests/fuzz/%.c=$(OUT)/fuzz/%)

# Linking.  "musl-gcc -static" is not there when crossing, so the start files
# are named here; gcc's crtbegin.o and crtend.o serve C++ and shared objects.
# One partition: the whole program is optimized at once.  It is a static PIE:
# the kernel chooses its address, rcrt1.o relocates it, and main makes the
# relocated constants read-only.  Code has pages of its own, so that no
# constant can be run.
# Constants and code lie on pages of their own, relocations are packed, and
# start.ld lays out what runs before CMD.
#
# A page of arm64 may have 64 KiB, up to which GNU ld would fill the file between
# the segments, and it does not pack relocations there before version 2.43.  So
# the program for arm64 is linked twice: by GNU ld, which hands all of it to the
# compiler, and once more by lld from the compiler's output.  lld knows no
# addresses by the table of globals in the tiny model, nor are they needed: all
# symbols are in the program.
SEGMENTS.amd64 := -z,relro -z,separate-code -z,pack-relative-relocs
SEGMENTS.arm64 := -z,relro -z,noseparate-code
LLD := -pie -static --no-dynamic-linker -z text --gc-sections \
	--build-id=none --hash-style=gnu -z noexecstack -z now -z relro \
	--pack-dyn-relocs=relr --icf=safe \
	--defsym='relocated_start=ADDR(.data.rel.ro)' \
	--defsym='relocated_end=ADDR(.got)+SIZEOF(.got)'
ifeq ($(FLAVOUR),ship)
gccfile = $(shell $(GCC) -print-file-name=$(1))
comma := ,
define link
$(CC) -nostdlib -nostartfiles -static -o $@ $(2) \
    -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,text \
    -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack \
    -Wl,-z,now $(SEGMENTS.$(ARCH):%=-Wl,%) -Wl,-T,build.d/start.ld \
    $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o \
    $(filter-out %.list %.ld,$(1)) $(MUSL)/lib/libc.a \
    $(call gccfile,libgcc.a) $(MUSL)/lib/libc.a \
    $(MUSL)/lib/crtn.o
endef
LINK_WHOLE := -flto=auto -flto-partition=one -g $(PATHS) $(SMALL) $(HARDEN)
LINK_PARTS := -fno-lto
else
link = $(CC) $(CFLAGS) $(PROGRAM_CFLAGS) -o $@ $(filter-out %.list,$(1))
endif

# A source file that goes away must lead to a new link, too.
$(OUT)/objects.list: FORCE
	@mkdir -p $(@D)
	@echo '$(OBJECTS)' | cmp -s - $@ || echo '$(OBJECTS)' > $@

WHOLE_PROGRAM := $(OBJECTS) $(LIBS) $(OUT)/objects.list build.d/start.ld
ifeq ($(FLAVOUR)-$(ARCH),ship-arm64)
$(OUT)/whole/program: $(WHOLE_PROGRAM)
	rm -rf $(@D)
	mkdir -p $(@D)
	$(call link,$^,$(LINK_WHOLE) -save-temps=obj \
	    -Wl$(comma)-Map=$(OUT)/ssm-activate.map)
	sed 's/^\tldr\t\(x[0-9]*\), :got:/\tadr\t\1, /' $@.ltrans0.ltrans.s \
	    > $(@D)/whole.s
	$(CROSS)as -o $(@D)/whole.o $(@D)/whole.s
$(OUT)/ssm-activate.debug: $(OUT)/whole/program
	ld.lld $(LLD) -o $@ $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o \
	    $(OUT)/whole/whole.o $(MUSL)/lib/libc.a \
	    $(call gccfile,libgcc.a) $(MUSL)/lib/libc.a $(MUSL)/lib/crtn.o
else
$(OUT)/ssm-activate.debug: $(WHOLE_PROGRAM)
	$(call link,$^,$(LINK_WHOLE) -Wl$(comma)-Map=$(@:.debug=.map))
endif
$(OUT)/ssm-activate: $(OUT)/ssm-activate.debug
	$(CROSS)strip --strip-all --remove-section=.comment -o $@ $<

$(OUT)/amazon-ssm-agent-standin: $(STANDIN:%.c=$(OUT)/%.o) $(MODULES) \
    $(LIBS) $(OUT)/objects.list
	$(call link,$^,$(LINK_PARTS))

$(OUT)/deny/%: $(OUT)/tests/lib/deny/%.o
	@mkdir -p $(@D)
	$(call link,$^,$(LINK_PARTS))

$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(UNIT_AID:%.c=$(OUT)/%.o) \
    $(MODULES) $(LIBS) $(VENDOR)/libcmocka.a $(OUT)/objects.list
	@mkdir -p $(@D)
	$(call link,$^,$(LINK_PARTS))

$(OUT)/interop/%: $(OUT)/tests/interop/%.o $(MODULES) $(LIBS) \
    $(OUT)/objects.list
	@mkdir -p $(@D)
	$(call link,$^,$(LINK_PARTS))

ifeq ($(FLAVOUR),fuzz)
FUZZ_DRIVER := -fsanitize=fuzzer
else
FUZZ_DRIVER := $(OUT)/tests/lib/fuzz/replay.o
endif
# A target may include a whole .c file, to reach what that keeps to itself: its
# twin stays in the archive.
$(OUT)/modules.a: $(MODULES) $(OUT)/objects.list
	rm -f $@
	$(CROSS)ar qcsD $@ $(MODULES)
$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%.o $(filter %.o,$(FUZZ_DRIVER)) \
    $(OUT)/modules.a $(LIBS)
	@mkdir -p $(@D)
	$(call link,$^ $(OUT)/modules.a $(filter -f%,$(FUZZ_DRIVER)),\
	    $(LINK_PARTS))

# Compiling.  The full list of warnings counts in the shipped flavour; with
# sanitizers gcc's flow analysis reports what its own checks put in.
DEPEND = -MMD -MP -MF $(@:.o=.d)
COMPILE = $(CC) $(CFLAGS) $(PROGRAM_CFLAGS) $(LANGUAGE) $(DEPEND) -c -o $@ $<
ifeq ($(FLAVOUR),ship)
SRC_WARN := $(WARN)
else
SRC_WARN := $(WARN_BASE)
endif

$(OUT)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(SRC_WARN) $(BANNED)
$(OUT)/tests/lib/standin/%.o: tests/lib/standin/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(SRC_WARN) $(BANNED)
$(OUT)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(WARN_BASE) -Itests/lib -isystem build/source/cmocka/include
$(OUT)/build/gen/%.o: build/gen/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(WARN_BASE)

.SECONDARY:
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
