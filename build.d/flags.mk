# SPDX-License-Identifier: MIT
# Compilers and flags of the four flavours (compile.sh says what they are).

OUT    := build/$(ARCH)/$(FLAVOUR)
VENDOR := build/$(ARCH)/$(FLAVOUR)-vendor
MUSL   := build/$(ARCH)/ship-vendor/musl

# No path of the building machine gets into a file.
PATHS := -ffile-prefix-map=$(ROOT)=.

# Every function with an array or a local whose address is taken has a canary;
# a stack that grows touches every page on its way, so none jumps over the
# guard page; locals begin as zero.  The marks of -fcf-protection are void in
# a program with musl's assembler files, which have none.
STACK := -fstack-protector-strong -fstack-clash-protection
HARDEN := $(STACK) -ftrivial-auto-var-init=zero -fno-common
# Small code at any address, without tables for unwinding; the linker leaves
# out what is not used and optimizes the program as a whole.  On arm64 all of it
# lies within the megabyte that one instruction reaches.  Objects hold
# machine code as well: tests are linked from that, which takes a fraction of
# the time.
SIZE.amd64 := -Oz
SIZE.arm64 := -Os -mcmodel=tiny
SMALL := $(SIZE.$(ARCH)) -fPIE -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables
WHOLE := -flto -ffat-lto-objects

GCC := $(CROSS)gcc
MUSL_INCLUDE = -nostdinc -isystem $(MUSL)/include \
	-isystem $(shell $(GCC) -print-file-name=include)

SANITIZE := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

# CC and CFLAGS serve everything of a flavour; VENDOR_CFLAGS and
# PROGRAM_CFLAGS are what is added for the libraries and for our code.
# The libraries are not checked for undefined behaviour: BearSSL reads
# unaligned words on purpose where the processor can.
ifeq ($(FLAVOUR),ship)
CC             := $(GCC)
CFLAGS         := -g $(PATHS) $(SMALL) $(WHOLE) $(HARDEN) $(MUSL_INCLUDE)
VENDOR_CFLAGS  :=
PROGRAM_CFLAGS :=
FAST           := -O2
else ifeq ($(FLAVOUR),check)
CC             := $(GCC)
CFLAGS         := $(SANITIZE) $(PATHS) -fsanitize=address
VENDOR_CFLAGS  :=
PROGRAM_CFLAGS := -fsanitize=undefined
else ifeq ($(FLAVOUR),fuzz)
CC             := clang
CFLAGS         := $(SANITIZE) $(PATHS) -fsanitize=address,fuzzer-no-link
VENDOR_CFLAGS  :=
PROGRAM_CFLAGS := -fsanitize=undefined
else ifeq ($(FLAVOUR),cover)
CC             := $(GCC)
CFLAGS         := -O0 -g
VENDOR_CFLAGS  :=
PROGRAM_CFLAGS := --coverage -fprofile-update=atomic -Wl,--wrap=_exit
else
$(error unknown flavour $(FLAVOUR))
endif

# Our own code: C11, everything a compiler can say is an error, but that a text
# may be cut: that is what the sizes are for.
LANGUAGE := -std=c11 -D_GNU_SOURCE -Isrc -isystem build/include
BANNED   := -include src/base/banned.h
# clang has no such warning.
NO_WARN := $(if $(filter fuzz,$(FLAVOUR)),,-Wno-format-truncation)
WARN_BASE := -Wall -Wextra -Werror $(NO_WARN)
WARN := $(WARN_BASE) -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wformat=2 -Wformat-signedness -Wcast-qual -Wcast-align=strict \
	-Wpointer-arith -Wstrict-prototypes -Wold-style-definition \
	-Wmissing-prototypes -Wredundant-decls -Wvla -Wundef \
	-Wwrite-strings -Wimplicit-fallthrough=5 \
	-Wnull-dereference -Wduplicated-cond -Wduplicated-branches \
	-Wlogical-op -Wstack-usage=65536 -Wunused-macros
