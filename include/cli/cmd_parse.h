/*
 * postern parse, postern thread: what Postern makes of a mail, without a
 * database. Exit status 0 for any bytes at all; 66 (EX_NOINPUT) for a file that
 * cannot be read, 64 (EX_USAGE) for wrong arguments.
 */
#ifndef CLI_CMD_PARSE_H
#define CLI_CMD_PARSE_H

/* Both: argv[0] is the command word; "-" as a file is standard input. */
int cmd_parse(int argc, char **argv);
int cmd_thread(int argc, char **argv);

#endif
