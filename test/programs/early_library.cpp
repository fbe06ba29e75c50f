// SPDX-License-Identifier: MIT
// The library of early_life: constructed before everything that is preloaded, destroyed after it.
#include "early_life.hpp"

// Used by main(), and closed by main() and by our destructor.
extern "C" {
int kept_since_the_library = -1, kept_until_the_library = -1;
}

__attribute__((constructor(101))) static void first()
{
    visit("/library-first");
}

namespace
{
struct Early {
    Early()
    {
        visit("/library-constructor");
        kept_since_the_library = keep("/library-keeps");
    }
    ~Early()
    {
        visit("/library-destructor");
        end(kept_until_the_library, "/library-ends");
        show_every_descriptor();
    }
} early;
} // namespace
