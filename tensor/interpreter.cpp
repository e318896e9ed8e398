#include "rewind/tensor/interpreter.h"

#include <atomic>

namespace rw {

constinit thread_local Interpreter* Interpreter::youngest_ = nullptr;
constinit thread_local Interpreter* Interpreter::running_ = nullptr;

Interpreter::Interpreter() : above_(running_), below_(next()) {
  (above_ ? above_->below_ : youngest_) = this;
  if (below_) below_->above_ = this;
}

Interpreter::~Interpreter() {
  (above_ ? above_->below_ : youngest_) = below_;
  if (below_) below_->above_ = above_;
}

void Interpreter::dispatch(Call& call) {
  Interpreter* const me = next();
  if (!me) return call.type.execute(call.op, call.inputs, call.outputs, call.donated);
  struct Running {
    Interpreter* was = running_;
    ~Running() { running_ = was; }
  } restore;
  running_ = me;
  me->run(call);
}

std::uint64_t Interpreter::new_serial() {
  static std::atomic<std::uint64_t> next{0};
  constexpr std::uint64_t kSerials = std::uint64_t{1} << 36;
  // Never 0, which is the mark of no interpreter.
  return next.fetch_add(1, std::memory_order_relaxed) % (kSerials - 1) + 1;
}

Uninterpreted::Uninterpreted() : before_(Interpreter::running_) {
  while (Interpreter* const next = Interpreter::next()) Interpreter::running_ = next;
}

bool Interpreter::any_holds(std::uint64_t mark) {
  if (mark == 0) return false;
  for (const Interpreter* i = next(); i; i = i->below_) {
    if (i->holds(mark)) return true;
  }
  return false;
}

}  // namespace rw
