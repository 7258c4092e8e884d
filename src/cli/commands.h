/* Every command: argv[0] is its word; returns the exit status. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int cmd_account(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_delivery(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_outbox(int argc, char **argv);
int cmd_schema(int argc, char **argv);
int cmd_settings(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_ticket(int argc, char **argv);
/* A word of its own in cmd_ticket()'s table. */
int cmd_ticket_attachment(int argc, char **argv);

#endif
