# common-passwords.awk: makes a sorted table of the words of
# common-passwords.txt. POSIX awk only.

/^#/ { next }
{ for (i = 1; i <= NF; i++) words[++n] = $i }

# Insertion would be quadratic; a heap is not, and sort(1) would be a pipe more.
function sift(at, end, child, held) {
	while ((child = 2 * at) <= end) {
		if (child < end && words[child] < words[child + 1])
			child++
		if (words[at] >= words[child])
			return
		held = words[at]
		words[at] = words[child]
		words[child] = held
		at = child
	}
}

END {
	for (i = int(n / 2); i >= 1; i--)
		sift(i, n)
	for (end = n; end > 1; end--) {
		held = words[1]
		words[1] = words[end]
		words[end] = held
		sift(1, end - 1)
	}
	print "/* Made of common-passwords.txt; not to be edited. */"
	print "static const char *const common[] = {"
	for (i = 1; i <= n; i++)
		if (words[i] != words[i - 1])
			printf "\t\"%s\",\n", words[i]
	print "};"
}
