/*
 * The supervisor: starts workers, replaces those that die or overstay, passes
 * on what a signal asks for. It touches neither mail nor database.
 */
#ifndef DAEMON_SUPERVISOR_H
#define DAEMON_SUPERVISOR_H

#include "settings/settings.h"

/*
 * Run until TERM or INT. `file` is read again on HUP. Takes `settings`.
 * Returns: the exit status (sysexits).
 */
int supervisor_run(const char *file, Settings *settings);

/*
 * Everything that can be wrong before a worker starts: files, users, templates.
 * What a worker would refuse, `posternd -t` refuses.
 */
bool supervisor_check(const Settings *settings, GError **error);

#endif
