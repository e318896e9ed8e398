// Operations are objects; interpreters give them meaning.
//
// Calling `tanh(x)` hands `Tanh{}` and `x` to the interpreters of this thread, the youngest first.
// With none, the operation is computed. A tape computes and records, a profiler times, a tracer
// infers shapes and computes nothing. An interpreter is an object that acts from its construction
// to its destruction, on its own thread; several stand on each other, and may leave in any order.
//
//   struct Counter final : rw::Interpreter {
//     int calls = 0;
//     void run(rw::Call& call) override { calls++; hand_down(call); }
//   };
#pragma once

#include <span>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// What an operation declares of itself (op.h).
struct OpTraits {
  bool elementwise = false, broadcasts = false, rowwise = false;
};

// What can be asked of any operation; made from its struct by `apply` (op.h).
struct OpType {
  std::string_view name;
  std::size_t size;  // bytes of attributes, 0 when there are none
  OpTraits traits;

  // Both fill `outputs`: `execute` with numbers, `infer` with shapes only (views: as views). Inputs
  // whose bit is set in `donated` are temporaries that the operation may overwrite or move from.
  void (*execute)(const void* op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
                  std::uint64_t donated);
  void (*infer)(const void* op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs);
  // The numbers of `execute` into outputs that are there: of the specs that it gives, contiguous,
  // and nobody else's.
  void (*fill)(const void* op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs);

  void (*copy)(void* to, const void* from);
  void (*destroy)(void* op);
  bool (*equal)(const void* op, const void* other);  // the same attributes (fields.h)
  std::string (*attributes)(const void* op);         // as text, for reports

  // The operation's own derivative, if it brings one: whoever asks passes what it declared to take.
  void (*describe)(void* rules);
  // A word that belongs to the floor above, like the mark of a tensor.
  mutable std::atomic<const void*> annex{nullptr};
};

// One application of an operation on its way down. After `hand_down` the outputs are there.
struct Call {
  const OpType& type;
  const void* op;
  std::span<const Tensor* const> inputs;
  std::span<Tensor> outputs;
  std::uint64_t donated = 0;  // of these inputs `execute` may leave nothing; cleared, they stay
};

class Interpreter {
 public:
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Called for each operation of this thread. Operations applied inside go to the interpreters
  // below.
  virtual void run(Call& call) = 0;

  // Whether this interpreter knows the value that carries `mark`.
  virtual bool holds(std::uint64_t /*mark*/) const { return false; }

  static void dispatch(Call& call);
  // For an interpreter that marks values: the serial number of its marks (mark.h). No other one of
  // this process gets the same before 2^36 have been given out.
  static std::uint64_t new_serial();
  // Whether any interpreter of this thread holds the mark.
  static bool any_holds(std::uint64_t mark);

 protected:
  Interpreter();
  ~Interpreter();
  void hand_down(Call& call) { dispatch(call); }

 private:
  // The one that is asked next: under the one that runs now, whose operations must not reach
  // itself.
  static Interpreter* next() { return running_ ? running_->below_ : youngest_; }

  friend class Uninterpreted;
  static constinit thread_local Interpreter* youngest_;
  static constinit thread_local Interpreter* running_;
  Interpreter* above_;
  Interpreter* below_;
};

// Until the end of the scope, operations of this thread are only computed: no interpreter that
// stands now sees them.
class [[nodiscard]] Uninterpreted {
 public:
  Uninterpreted();
  ~Uninterpreted() { Interpreter::running_ = before_; }
  Uninterpreted(const Uninterpreted&) = delete;
  Uninterpreted& operator=(const Uninterpreted&) = delete;

 private:
  Interpreter* before_;
};

}  // namespace rw
