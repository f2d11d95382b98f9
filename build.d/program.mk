# Our own code in one flavour: the program, the stand-in agent, unit tests
# and fuzz targets.  Every .c file of src/ belongs to the program.
include build.d/flags.mk

SOURCES  := $(sort $(shell find src -name '*.c'))
GEN      := $(OUT)/build/gen/ca_roots.o $(OUT)/build/gen/version.o
OBJECTS  := $(SOURCES:%.c=$(OUT)/%.o) $(GEN)
MODULES  := $(filter-out $(OUT)/src/main.o,$(OBJECTS))
LIBS     := $(VENDOR)/libbearssl.a $(VENDOR)/libcjson.a

STANDIN  := $(sort $(shell find tests/standin -name '*.c' 2>/dev/null))
UNIT     := $(sort $(wildcard tests/unit/test_*.c))
UNIT_AID := $(filter-out $(UNIT),$(sort $(wildcard tests/unit/*.c)))
FUZZ     := $(sort $(wildcard tests/fuzz/fuzz_*.c))

.PHONY: program objects standin unit replay FORCE
objects: $(OBJECTS)
program: $(OUT)/ssm-activate
standin: $(OUT)/amazon-ssm-agent-standin
unit: $(UNIT:tests/unit/%.c=$(OUT)/unit/%)
replay: $(FUZZ:tests/fuzz/%.c=$(OUT)/fuzz/%)

# Linking.  The shipped flavour is a static PIE: "musl-gcc -static-pie" makes
# a dynamic file on Debian 12, so the start files are named here.
ifeq ($(FLAVOUR),ship)
# Code apart from read-only data; on arm64, where a page may have 64 KiB, the
# padding for that would make the file four times as big.
LAYOUT.amd64 := -Wl,-z,separate-code
LAYOUT.arm64 := -Wl,-z,noseparate-code
gccfile = $(shell $(GCC) -print-file-name=$(1))
define link
$(CC) -nostdlib -nostartfiles -static-pie -o $@ \
    -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack \
    -Wl,-z,relro -Wl,-z,now -Wl,-z,text $(LAYOUT.$(ARCH)) \
    $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o $(call gccfile,crtbeginS.o) \
    $(filter-out %.list,$(1)) $(MUSL)/lib/libc.a \
    $(call gccfile,libgcc.a) $(MUSL)/lib/libc.a \
    $(call gccfile,crtendS.o) $(MUSL)/lib/crtn.o
endef
else
link = $(CC) $(CFLAGS) $(PROGRAM_CFLAGS) -o $@ $(filter-out %.list,$(1))
endif

# A source file that goes away must lead to a new link, too.
$(OUT)/objects.list: FORCE
	@mkdir -p $(@D)
	@echo '$(OBJECTS)' | cmp -s - $@ || echo '$(OBJECTS)' > $@

$(OUT)/ssm-activate.debug: $(OBJECTS) $(LIBS) $(OUT)/objects.list
	$(call link,$^)
$(OUT)/ssm-activate: $(OUT)/ssm-activate.debug
	$(CROSS)strip --strip-all --remove-section=.comment -o $@ $<

$(OUT)/amazon-ssm-agent-standin: $(STANDIN:%.c=$(OUT)/%.o) $(MODULES) \
    $(LIBS) $(OUT)/objects.list
	$(call link,$^)

$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(UNIT_AID:%.c=$(OUT)/%.o) \
    $(MODULES) $(LIBS) $(VENDOR)/libcmocka.a $(OUT)/objects.list
	@mkdir -p $(@D)
	$(call link,$^)

ifeq ($(FLAVOUR),fuzz)
FUZZ_DRIVER := -fsanitize=fuzzer
else
FUZZ_DRIVER := $(OUT)/tests/fuzz/replay.o
endif
$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%.o $(filter %.o,$(FUZZ_DRIVER)) \
    $(MODULES) $(LIBS) $(OUT)/objects.list
	@mkdir -p $(@D)
	$(call link,$^ $(filter -f%,$(FUZZ_DRIVER)))

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
$(OUT)/tests/standin/%.o: tests/standin/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(SRC_WARN) $(BANNED)
$(OUT)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(WARN_BASE) -Itests -isystem build/source/cmocka/include
$(OUT)/build/gen/%.o: build/gen/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(WARN_BASE)

.SECONDARY:
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
