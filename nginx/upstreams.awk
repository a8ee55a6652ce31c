# Writes the upstreams of the responders named in `present` (words, a path or a
# name each) from the template's @family@ lines. A family that this build does
# not have goes to `system`, which says 404.

BEGIN {
	n = split(present, words, /[ \t\n]+/)
	for (i = 1; i <= n; i++) {
		sub(/^.*\//, "", words[i])
		known[words[i]] = 1
	}
}

/^#families / {
	count = split(substr($0, 11), families, / +/)
	next
}

/@family@/ {
	for (i = 1; i <= count; i++) {
		line = $0
		socket = families[i] in known ? families[i] : "system"
		gsub(/@family@/, families[i], line)
		gsub(/@socket@/, socket, line)
		print line
	}
	next
}

{ print }
