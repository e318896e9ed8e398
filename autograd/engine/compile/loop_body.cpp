#include "rewind/autograd/engine/compile/loop_body.h"

namespace rw::engine {

LoopBody::LoopBody(const Step& step, const Rows& rows, const Fates& fates)
    : step_(step), rows_(rows), fates_(fates), depends_(dependences(step)), leaves_(fates.stacked) {
  users_.resize(at(graph().values()));
  for (int n = 0; n < count(); n++) {
    if (!runs(n)) continue;
    for (const ValueId x : node(n).inputs) {
      auto& users = users_[at(x)];
      if (users.empty() || users.back() != n) users.push_back(n);
    }
  }
  for (const ValueId y : step.next) leaves_[at(y)] = true;
  for (const int s : fates.accumulated) leaves_[at(step.sums[at(s)])] = true;
}

bool LoopBody::runs(int n) const {
  return runs_in_loop(fates_.node[at(n)]) && !invariant(node(n).first);
}

Index LoopBody::columns(ValueId value) const {
  const Index count = spec(value).shape.count();
  return has_rows(value) ? count / std::max<Index>(rows_.batch, 1) : count;
}

bool LoopBody::is_matrix(ValueId value) const {
  return has_rows(value) && is_float(spec(value).dtype) && columns(value) > 0;
}

}  // namespace rw::engine
