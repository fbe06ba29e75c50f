// SPDX-License-Identifier: MIT
// Connections from before main() and after it: preinit, constructors by priority, destructors.
#include "early_life.hpp"

extern "C" int kept_since_the_library, kept_until_the_library;

static void preinit(int, char **, char **environment)
{
    fetch(test_port(environment), "/preinit");
}
__attribute__((section(".preinit_array"),
               used)) static void (*const preinit_entry)(int, char **, char **) = preinit;

namespace
{
struct Visitor {
    const char *constructed, *destroyed;
    Visitor(const char *from, const char *until) : constructed(from), destroyed(until)
    {
        visit(constructed);
    }
    ~Visitor()
    {
        visit(destroyed);
    }
};

__attribute__((init_priority(101))) Visitor prior("/prior-constructor", "/prior-destructor");
Visitor ordinary("/constructor", "/destructor");
} // namespace

__attribute__((destructor)) static void last_of_the_program()
{
    visit("/program-last");
}

int main()
{
    visit("/main");
    end(kept_since_the_library, "/main-ends");
    kept_until_the_library = keep("/main-keeps");
    visit("/main-again");
    return 0;
}
