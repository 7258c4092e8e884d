# Turn sql/statements/*.sql and sql/migrations/*.sql into C.
#   awk -v out=header|statements|migrations -f embed.awk FILE...
# Comment lines are left out of the statements; migrations stay byte for byte,
# because their digest is recorded in the database.

function quoted(line) {
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    return "    \"" line "\\n\"\n"
}
function base(path) {
    sub(/.*\//, "", path)
    sub(/\.sql$/, "", path)
    return path
}
function finish() {
    if (name == "")
        return
    if (out == "header")
        printf "    ST_%s,\n", name
    else
        printf "    [ST_%s] = {\"%s\",\n%s    },\n", name, name, text
    name = ""
}

BEGIN {
    print "/* Made by sql/embed.awk; do not edit. */"
    if (out != "header") {
        print "#include <stddef.h>\n"
        print "/* A migration is longer than C99 promises to take. */"
        print "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n"
    }
    if (out == "header") {
        print "#ifndef STORE_STATEMENTS_H\n#define STORE_STATEMENTS_H\n"
        print "typedef enum {"
    } else if (out == "statements") {
        print "#include \"store/statement.h\"\n"
        print "const StatementText statement_texts[ST_COUNT] = {"
    } else {
        print "#include \"store/migration.h\"\n"
        print "const Migration migrations[] = {"
    }
}

out == "migrations" && FNR == 1 {
    if (open_file)
        print "    },"
    open_file = 1
    split(base(FILENAME), part, "_")
    printf "    {%d, \"%s\",\n", part[1] + 0, base(FILENAME)
}
out == "migrations" { printf "%s", quoted($0); next }

/^-- name: / { finish(); name = $3; text = ""; next }
/^[ \t]*--/ || /^[ \t]*$/ { next }
name != "" { text = text quoted($0) }

END {
    finish()
    if (out == "header")
        print "    ST_COUNT\n} StatementName;\n\n#endif"
    else if (out == "statements")
        print "};"
    else
        print "    },\n    {0, NULL, NULL},\n};"
}
