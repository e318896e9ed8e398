// How much memory a call takes from the system, at its highest (Linux).
#pragma once

#include <functional>

namespace rw::bench {

// By how many bytes the resident memory of this process grew at most while f ran. Only pages that
// were never touched before count, so the first call in a process is the one to ask about.
double peak_bytes_of(const std::function<void()>& f);

}  // namespace rw::bench
