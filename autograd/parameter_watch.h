// The parameters that some work looked at, and whether they are still what they were: for whoever
// keeps something made of them.
#pragma once

#include <vector>

#include "rewind/autograd/parameter.h"

namespace [[gnu::visibility("default")]] rw {

class ParameterWatch {
 public:
  // While one lives, the watch sees the parameters that this thread reads; what it saw before is
  // forgotten.
  class [[nodiscard]] Scope {
   public:
    explicit Scope(ParameterWatch& watch);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class ParameterWatch;
    ParameterWatch& watch_;
    Scope* outer_;
  };

  // Whether a parameter has been written to, or given another value, or whether one of its handles
  // was assigned to, moved from or ended, and may stand for another parameter now. It holds the
  // values that it saw, so a write to them was a copy: what is still the same tensor was never
  // written to. Takes nanoseconds. Nobody may be writing to the parameters.
  bool changed() const noexcept;

  static void saw(const std::shared_ptr<ParameterState>& parameter);  // called by Parameter

 private:
  struct Seen {
    std::shared_ptr<ParameterState> parameter;
    Tensor value;
    std::uint64_t departures;
  };
  std::vector<Seen> seen_;
};

}  // namespace rw
