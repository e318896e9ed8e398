// Names for inner values of a model: gates, attention weights, candidates.
//
//   Tensor f = note("forget", sigmoid(gate(x)));   // in the cell; free while nobody listens
//
//   Notes notes;                                   // around the call
//   model(x);
//   notes["forget"];                               // one tensor per time step, oldest first
#pragma once

#include <map>
#include <string>
#include <vector>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// Hands the value to the listeners of this thread, and returns it.
Tensor note(std::string_view name, Tensor value);

// Whether anybody listens on this thread.
bool notes_are_taken();

struct NotesOptions {
  // Under a tape, so that gradients know each float value: gradients[notes["forget"][t]].
  bool watch = false;
};

// Listens on this thread while it lives. Names carry the suffix of the scopes they were noted in.
class [[nodiscard]] Notes {
 public:
  explicit Notes(NotesOptions options = {});
  ~Notes();
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;

  // The values noted under a name, oldest first. Throws ValueError for a name that nobody noted,
  // and tells those that were.
  const std::vector<Tensor>& operator[](std::string_view name) const;
  const std::map<std::string, std::vector<Tensor>, std::less<>>& all() const { return values_; }

 private:
  friend Tensor note(std::string_view name, Tensor value);
  NotesOptions options_;
  std::map<std::string, std::vector<Tensor>, std::less<>> values_;
  Notes* outer_;
};

// Appends to the names noted while it lives: "forget" in the second layer is "forget_l1".
class [[nodiscard]] NoteSuffix {
 public:
  explicit NoteSuffix(std::string suffix);
  ~NoteSuffix();
  NoteSuffix(const NoteSuffix&) = delete;
  NoteSuffix& operator=(const NoteSuffix&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  NoteSuffix* outer_;
};

}  // namespace rw
