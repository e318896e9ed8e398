// Whether a sanitizer watches the memory of this program. It keeps what was let go, has books of
// its own, and ends the program where malloc would refuse.
#pragma once

namespace rw::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace rw::test
