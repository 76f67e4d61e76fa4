/* The application, for a board's main loop. */
#ifndef TINYOPS_APP_APP_H
#define TINYOPS_APP_APP_H

/* Once, at boot: start the board, check the image, choose the parameters, say HELLO. */
void app_start(void);
/* For ever: serve the link, decide windows, sleep when there is nothing to do. */
void app_step(void);

#endif
