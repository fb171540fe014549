/* The one header there is. */
#include "../../../c/include/plimsoll.h"
