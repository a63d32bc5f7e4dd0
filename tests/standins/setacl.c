/* What setfacl(1) does, which a machine need not have.
 *
 *   setacl PATH UID BITS
 *
 * Gives one user more than the file's mode says, in the form of posix_acl_xattr.h.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct entry {
    uint16_t tag, bits;
    uint32_t id;
};

int main(int count, char **args)
{
    struct stat file;
    if (count != 4 || stat(args[1], &file) < 0)
        return fprintf(stderr, "setacl: PATH UID BITS\n"), 1;
    uint16_t bits = (uint16_t)atoi(args[3]), mode = (uint16_t)file.st_mode;
    struct {
        uint32_t version;
        struct entry entries[5];
    } list = { 2, {
        { 0x01, mode >> 6 & 7, UINT32_MAX },
        { 0x02, bits, (uint32_t)atoi(args[2]) },
        { 0x04, mode >> 3 & 7, UINT32_MAX },
        { 0x10, (uint16_t)((mode >> 3 & 7) | bits), UINT32_MAX },
        { 0x20, mode & 7, UINT32_MAX },
    } };
    if (setxattr(args[1], "system.posix_acl_access", &list, sizeof list, 0) < 0)
        return perror("setacl"), 1;
    return 0;
}
