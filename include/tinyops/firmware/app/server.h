/* The device's end of the link: requests in, replies out. */
#ifndef TINYOPS_APP_SERVER_H
#define TINYOPS_APP_SERVER_H

#include <stdbool.h>

/* Send the HELLO that nobody asked for; once, at boot. */
void server_announce(void);
/* Serve at most one request; true when there may be more to do at once. */
bool server_poll(void);

#endif
