# SPDX-License-Identifier: MIT
# The checks that look at one C file at a time.  Each leaves a stamp, so that
# a second run only looks at what changed.
FLAVOUR := ship
include build.d/flags.mk

LINT    := build/$(ARCH)/lint
HEADERS := $(sort $(shell find src tests -name '*.h'))
PROGRAM := $(sort $(shell find src tests/lib/standin -name '*.c' 2>/dev/null))
TESTS   := $(sort $(shell find tests/unit tests/interop tests/fuzz \
    $(addprefix tests/lib/,unit fuzz deny) -name '*.c' 2>/dev/null))
ALL     := $(PROGRAM) $(TESTS)

# clang reads the same headers as gcc does when it builds the program.
CLANG_INCLUDE := -nostdinc -isystem $(MUSL)/include \
	-isystem $(shell clang -print-resource-dir)/include
TEST_INCLUDE := -Itests/lib -isystem build/source/cmocka/include
include_of = $(if $(filter $(TESTS),$<),$(TEST_INCLUDE),$(BANNED))

EVERYTHING := -Weverything -Werror -Wno-declaration-after-statement \
	-Wno-padded -Wno-format-nonliteral -Wno-disabled-macro-expansion \
	-Wno-switch-enum

.PHONY: lint calls
lint: $(ALL:%=$(LINT)/%.format) $(HEADERS:%=$(LINT)/%.format) \
    $(ALL:%=$(LINT)/%.tidy) $(PROGRAM:%=$(LINT)/%.clang) \
    $(PROGRAM:%=$(LINT)/%.analyzer) $(ALL:%=$(LINT)/%.cppcheck)

$(LINT)/%.format: % .clang-format
	@mkdir -p $(@D)
	clang-format --dry-run -Werror $<
	@touch $@

# One file a run: version 14 mixes up va_list between files.  On standard
# error it counts the warnings in system headers, which it does not show.
$(LINT)/tests/unit/%.tidy: TIDY := --config-file=tests/lint/clang-tidy-unit
$(LINT)/tests/interop/%.tidy: TIDY := --config-file=tests/lint/clang-tidy-unit
$(LINT)/tests/fuzz/%.tidy: TIDY := --config-file=tests/lint/clang-tidy-unit
$(LINT)/tests/lib/unit/%.tidy: TIDY := --config-file=tests/lint/clang-tidy-unit
$(LINT)/tests/lib/fuzz/%.tidy: TIDY := --config-file=tests/lint/clang-tidy-unit
$(LINT)/%.tidy: % .clang-tidy tests/lint/clang-tidy-unit $(HEADERS)
	@mkdir -p $(@D)
	clang-tidy --quiet $(TIDY) $< -- $(LANGUAGE) $(include_of) \
	    $(CLANG_INCLUDE) 2> $@.err || \
	    { grep -v ' generated\.$$' $@.err; exit 1; }
	@touch $@

$(LINT)/%.clang: % $(HEADERS)
	@mkdir -p $(@D)
	clang $(EVERYTHING) $(LANGUAGE) $(BANNED) $(CLANG_INCLUDE) \
	    -fsyntax-only $<
	@touch $@

$(LINT)/%.analyzer: % $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LANGUAGE) $(BANNED) $(WARN) -fanalyzer -c \
	    -o $@.o $<
	@touch $@

# Without the system's headers; what it cannot see is no finding.  Locals
# stand at the head of a function, so that "out:" finds them empty: no
# variableScope.  Version 2.10 stumbles over compound literals: in a ternary
# (internalAstError), and assigned to an element (unreadVariable, which
# clang's analyzer checks as well).
$(LINT)/%.cppcheck: % $(HEADERS)
	@mkdir -p $(@D)
	cppcheck --quiet --error-exitcode=1 --std=c11 --language=c \
	    -Isrc -Itests/lib \
	    --enable=warning,performance,portability,style \
	    --inline-suppr --suppress=missingIncludeSystem \
	    --suppress=variableScope --suppress=internalAstError \
	    --suppress=unreadVariable $<
	@touch $@

# Nothing is inlined, so that each call is seen.
calls: $(patsubst %,$(LINT)/%.calls.o,$(filter src/%,$(PROGRAM)))
	OBJDUMP=$(CROSS)objdump tests/lint/calls.py \
	    tests/lint/keeper-calls.txt $^

$(LINT)/%.calls.o: % $(HEADERS)
	@mkdir -p $(@D)
	$(CC) -O0 -fPIE -ffunction-sections -fdata-sections $(LANGUAGE) \
	    $(BANNED) $(MUSL_INCLUDE) -c -o $@ $<
