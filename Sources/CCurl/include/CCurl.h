#ifndef RA_CCURL_H
#define RA_CCURL_H
#endif
