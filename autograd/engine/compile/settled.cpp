#include "rewind/autograd/engine/compile/settled.h"

namespace rw::engine {

Settled::Settled(const LoopBody& body, const ProgramOptions& options, const InPlace* like)
    : options_(options) {
  do {
    forms_ = std::make_unique<Forms>(body, options, refused_);
    in_place_ = std::make_unique<InPlace>(body, *forms_, options, like);
    schedule_ = std::make_unique<Schedule>(body, *forms_, *in_place_);
  } while (refuses_more_masks(body));
}

bool Settled::refuses_more_masks(const LoopBody& body) {
  bool any = false;
  for (int n = 0; n < body.count(); n++) {
    const ValueId y = body.node(n).first;
    if (forms_->of(n) != Form::element || is_float(body.spec(y).dtype)) continue;
    for (const int user : body.users(y)) {
      if (schedule_->program_of(user) != schedule_->program_of(n)) any |= refused_.insert(n).second;
    }
  }
  return any;
}

}  // namespace rw::engine
