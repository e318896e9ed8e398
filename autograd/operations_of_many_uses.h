// Which gradients that arrive are terms, when the terms of a variable are asked for (`per_use`).
//
// Most operations use an argument once, and what arrives there is one term. A scan uses a weight at
// every step: its rule tells the terms one by one, and what arrives at that argument, from its
// record or from those that it left right before, is their sum.
#pragma once

#include "rewind/autograd/record.h"
#include "rewind/tensor/error.h"

namespace [[gnu::visibility("default")]] rw {

class OperationsOfManyUses {
 public:
  // To be called for each record, last to first.
  void enter(Record& r) {
    if (records_ > 0) records_--;
    if (records_ > 0 || !r.rules->uses) return;
    last_met_ = r.rules->uses(r.attributes());
    records_ = last_met_.records + 1;
  }

  // Whether what arrives now at argument i of this record, at a slot of which the terms are asked
  // for, is one of them. Throws GradientError where nobody can tell.
  bool is_term(const Record& r, std::size_t i) const {
    if (records_ == 0) return true;
    const bool own = r.rules->uses && records_ == last_met_.records + 1;
    if (own && static_cast<int>(i) >= last_met_.arguments) return true;
    require<GradientError>(last_met_.known,
                           "backward: per_use names a variable that the rewind of a scan used, "
                           "recorded; the terms of such uses are not told apart; run the scan in a "
                           "PlainLoops scope");
    return false;
  }

 private:
  RuleSet::Uses last_met_{};
  int records_ = 0;  // of the one met last, that of now included, those to come
};

}  // namespace rw
