// The scopes of one kind that are open on a thread: a list, youngest first. They may end in any
// order, since an owner may hold them in members or pointers.
#pragma once

namespace rw {

// Takes `ending` out of the list that begins at `youngest`; `outer` is the member that leads on. A
// scope of another thread's list is not found, and nothing happens.
template <class Scope>
void end_scope(Scope*& youngest, const Scope* ending, Scope* Scope::*outer) {
  Scope** at = &youngest;
  while (*at && *at != ending) at = &((*at)->*outer);
  if (*at) *at = ending->*outer;
}

}  // namespace rw
