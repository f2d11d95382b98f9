#ifndef APP_RELRO_H
#define APP_RELRO_H

/* Make the relocated constants read-only: musl's start code of a static
 * program leaves that to the program. */
void relro_apply(void);

#endif
