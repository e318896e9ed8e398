// Everything that is settled before instructions can be written.
#pragma once

#include <memory>
#include <set>

#include "rewind/autograd/engine/compile/schedule.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// A mask cannot leave the program that makes it: where a reader came into another one, the mask is
// refused to programs, and all is settled anew. `body`, `options` and `like` (in_place.h) must
// outlive it.
class Settled {
 public:
  Settled(const LoopBody& body, const ProgramOptions& options, const InPlace* like);

  const Forms& forms() const { return *forms_; }
  const InPlace& in_place() const { return *in_place_; }
  const Schedule& schedule() const { return *schedule_; }
  const ProgramOptions& options() const { return options_; }

 private:
  bool refuses_more_masks(const LoopBody& body);

  const ProgramOptions& options_;
  std::set<int> refused_;
  std::unique_ptr<Forms> forms_;
  std::unique_ptr<InPlace> in_place_;
  std::unique_ptr<Schedule> schedule_;
};

}  // namespace engine
}  // namespace rw
