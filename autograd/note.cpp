#include "rewind/autograd/note.h"

#include "rewind/autograd/scopes.h"
#include "rewind/autograd/tape.h"

namespace rw {
namespace {

constinit thread_local Notes* listener = nullptr;
constinit thread_local NoteSuffix* suffix = nullptr;

}  // namespace

Tensor note(std::string_view name, Tensor value) {
  // A step that is run for its shapes alone has nothing to tell.
  if (!listener || !value.has_data()) return value;
  if (listener->options_.watch && is_float(value.dtype()) && Tape::current()) {
    Tape::current()->watch(value);
  }
  std::string full(name);
  if (suffix) full += suffix->text();
  listener->values_[full].push_back(value);
  return value;
}

bool notes_are_taken() { return listener != nullptr; }

Notes::Notes(NotesOptions options) : options_(options), outer_(std::exchange(listener, this)) {}
Notes::~Notes() { end_scope(listener, this, &Notes::outer_); }

const std::vector<Tensor>& Notes::operator[](std::string_view name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  std::string known;
  for (const auto& [other, values] : values_) known += (known.empty() ? "" : ", ") + other;
  throw ValueError(fmt::format("notes: nothing was noted as '{}'; noted were: {}", name,
                               known.empty() ? "none" : known));
}

NoteSuffix::NoteSuffix(std::string text)
    : text_(std::move(text)), outer_(std::exchange(suffix, this)) {
  if (outer_) text_ += outer_->text();
}
NoteSuffix::~NoteSuffix() { end_scope(suffix, this, &NoteSuffix::outer_); }

}  // namespace rw
