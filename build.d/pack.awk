# Packs a text of ASCII characters into C constants for base/pack: the pair of
# characters that is met most often becomes one byte above 127, again and
# again, until there is no such byte or no such pair is left.
#
# awk -v name=NAME -f pack.awk <TEXT

BEGIN { FIRST = 128; LAST = 255; RARE = 3 }

{ text = text $0 "\n" }

# The text as a list of byte values.
function spread(    i, at) {
	for (i = 1; i < FIRST; i++)
		value[sprintf("%c", i)] = i
	for (i = 1; i <= length(text); i++) {
		at = substr(text, i, 1)
		if (!(at in value)) {
			print "pack.awk: not ASCII: " text >"/dev/stderr"
			exit 1
		}
		seq[i] = value[at]
	}
	count = length(text)
}

# The most frequent pair in best; among equals the smallest.
function choose(    i, pair, met) {
	best = 0
	split("", met)
	for (i = 1; i < count; i++)
		met[seq[i] * 256 + seq[i + 1]]++
	met[best] = RARE - 1
	for (pair in met)
		if (met[pair] > met[best] ||
		    (met[pair] == met[best] && best > 0 && pair + 0 < best))
			best = pair + 0
	return best > 0
}

function replace(pair, code,    from, to) {
	to = 0
	for (from = 1; from <= count; from++) {
		if (from < count && seq[from] * 256 + seq[from + 1] == pair) {
			seq[++to] = code
			from++
		} else
			seq[++to] = seq[from]
	}
	count = to
}

function bytes(list, n,    i) {
	for (i = 1; i <= n; i++)
		printf "%s,%s", list[i], i % 16 == 0 ? "\n" : ""
}

END {
	spread()
	for (code = FIRST; code <= LAST && choose(); code++) {
		replace(best, code)
		pairs[++used] = "{" int(best / 256) "," best % 256 "}"
	}
	printf "static const unsigned char %s_pairs[][2] = {\n", name
	bytes(pairs, used)
	printf "};\nstatic const unsigned char %s_text[] = {\n", name
	bytes(seq, count)
	printf "};\nconst struct pack %s = { %s_text, sizeof %s_text,\n", \
		name, name, name
	printf "\t%s_pairs };\n", name
}
