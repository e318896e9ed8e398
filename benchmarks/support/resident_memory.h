// How much memory a call takes from the system, at its highest (Linux).
#pragma once

#include <functional>
#include <string_view>

namespace rw::bench {

// By how many bytes the resident memory of this process grew at most while f ran. Only pages that
// were never touched before count, so the first call in a process is the one to ask about.
double peak_bytes_of(const std::function<void()>& f);

// Calls f in a process of its own, whose memory is still untouched; `what` is said where that
// fails. This process has no other threads yet: they would be missing there.
void in_own_process(std::string_view what, const std::function<void()>& f);

}  // namespace rw::bench
