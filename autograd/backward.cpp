// The rewind. Records were written in the order in which they ran, and that is a topological order:
// so one walk over them, last to first, meets each operation after everything that used its
// results. No recursion, no sort, no stack that a long sequence could overflow.
//
// A gradient waits in the slot of its value. The first that arrives is moved in, later ones are
// added: in place when the slot alone owns the sum, since two inputs of one operation may have been
// handed the same tensor. What a record kept is let go as soon as
// it has been used, so memory falls while the walk goes on. A slice adds into the gradient of the
// whole (`Into`), so T slices of one sequence cost O(T).
#include <algorithm>

#include "rewind/autograd/operations_of_many_uses.h"
#include "rewind/autograd/rule_errors.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/sum_to.h"
#include "rewind/tensor/views.h"

namespace rw {

class Rewinder {
 public:
  Rewinder(Tape& tape, const BackwardOptions& options)
      : tape_(tape), options_(options), slots_(tape.slots_), pauses_(tape.pauses_) {
    gradients_.swap(spare());
    gradients_.resize(slots_);
    roles_.assign(slots_, 0);
    for (const Tape::Leaf& leaf : tape_.leaves_) {
      roles_[leaf.slot] |= leaf.computed ? kWanted : kWanted | kLeaf;
    }
    if (!options.wrt.empty()) limit_to(options.wrt);
    if (!options.per_use.empty()) per_use_.assign(slots_, 0);
    for (const Variable& v : options.per_use) keep_terms_of(v);
    // Last: what throws above leaves the tape as it was, since no destructor will.
    tape_.pauses_ = options.record ? 0 : 1;
  }

  Rewinder(const Rewinder&) = delete;
  Rewinder& operator=(const Rewinder&) = delete;

  ~Rewinder() {
    tape_.pauses_ = pauses_;
    gradients_.clear();
    gradients_.swap(spare());
  }

  void start(const Upstream& from) {
    const std::uint32_t slot = tape_.slot_of(from.y);
    require<GradientError>(
        slot != 0,
        "backward: this {} was not computed under this tape, or from nothing that the tape "
        "follows, as it follows no frozen parameter, or by an operation that has no gradient to "
        "pass on (floor, argmax); make the tape first, watch the inputs or unfreeze parameters, "
        "and compute on its thread",
        from.y.spec());
    require<ShapeError>(
        from.dy.spec() == from.y.spec(),
        "backward: the gradient {} that arrives is not of the spec of the result {}",
        from.dy.spec(), from.y.spec());
    put(slot, from.dy, roles_[slot] & kPerUse);
  }

  Gradients run(Record* last) {
    for (Record* r = last; r; r = r->previous) {
      if (!per_use_.empty()) many_.enter(*r);
      if (reached(*r)) rewind(*r);
    }
    return collect();
  }

 private:
  using SlotTerm = std::pair<std::uint32_t, Gradient::Term>;

  // What a slot's gradient is for, beside being passed on; a leaf's is not passed on.
  static constexpr std::uint8_t kWanted = 1, kPerUse = 2, kLeaf = 4;

  // The slots of the last rewind of this thread, to be filled again: a chain of a million
  // operations would otherwise fault in fresh pages each time.
  static std::vector<Tensor>& spare() {
    thread_local std::vector<Tensor> slots;
    return slots;
  }

  std::uint32_t slot_of(std::string_view option, const Variable& variable) const {
    const std::uint32_t slot = tape_.slot_of(variable);
    require<GradientError>(slot != 0,
                           "backward: {} names {}, which had no part in this tape; was it watched, "
                           "is it frozen, or a copy of the one that was used?",
                           option, variable.description());
    return slot;
  }

  void keep_terms_of(const Variable& variable) {
    std::uint8_t& role = roles_[slot_of("per_use", variable)];
    require<GradientError>(role & kWanted,
                           "backward: per_use names {}, whose gradient nobody asks for; watch it, "
                           "or name it in wrt as well",
                           variable.description());
    role |= kPerUse;
    per_use_[slot_of("per_use", variable)] = 1;
  }

  // Marks what leads from the variables to later values, in the order of recording.
  void limit_to(const std::vector<Variable>& variables) {
    needed_.assign(slots_, 0);
    for (std::uint8_t& role : roles_) role &= static_cast<std::uint8_t>(~kWanted);
    for (const Variable& v : variables) {
      const std::uint32_t slot = slot_of("wrt", v);
      needed_[slot] = 1;
      roles_[slot] |= kWanted;
      limited_.push_back({slot, !(roles_[slot] & kLeaf), v});
    }
    std::vector<Record*> forward;
    forward.reserve(tape_.size_);
    for (Record* r = tape_.last_; r; r = r->previous) forward.push_back(r);
    std::reverse(forward.begin(), forward.end());
    for (Record* r : forward) {
      if (leads_to_needed(*r)) {
        std::fill_n(needed_.begin() + r->first_output, r->outputs, std::uint8_t{1});
      }
    }
  }

  bool leads_to_needed(Record& r) const {
    const Edge* edges = r.edges();
    return std::any_of(edges, edges + r.inputs, [&](Edge e) { return needed_[e.slot] != 0; });
  }

  bool reached(Record& r) const {
    const auto first = gradients_.begin() + r.first_output;
    const bool arrived =
        std::any_of(first, first + r.outputs, [](const Tensor& dy) { return dy.defined(); });
    return arrived && (needed_.empty() || leads_to_needed(r));
  }

  void rewind(Record& r) {
    if (r.rules->missing) throw_missing_rule(r);
    require<GradientError>(
        !r.let_go,
        "backward: what {} kept went with an earlier backward, done or failed; give "
        "that one {{.keep = true}}",
        r.type->name);
    Frame frame{r.attributes(),
                &gradients_[r.first_output],
                r.kept_tensors(),
                r.specs(),
                {r.edges(), r.inputs},
                r.needs,
                needed_.empty() ? nullptr : needed_.data()};
    if (r.outputs == 1 && !(roles_[r.first_output] & kWanted)) {
      frame.spent = &gradients_[r.first_output];
    }
    const LettingGo letting_go{options_.keep || options_.record ? nullptr : &r};
    if (r.rules->joint) {
      frame.last = letting_go.record;
      rewind_jointly(r, frame);
    } else {
      int last = static_cast<int>(r.inputs) - 1;
      while (last >= 0 && !frame.wanted(last)) last--;
      for (int i = 0; i <= last; i++) {
        frame.last = letting_go.record && i == last;
        if (frame.wanted(i)) rewind_argument(r, frame, static_cast<std::size_t>(i));
      }
    }
    for (std::uint32_t i = 0; i < r.outputs; i++) {
      const std::uint32_t slot = r.first_output + i;
      if (!(roles_[slot] & kWanted)) gradients_[slot] = Tensor();
    }
  }

  // Also when a rule throws: it may have taken what was kept.
  struct LettingGo {
    Record* record;
    ~LettingGo() {
      if (record) record->let_kept_go();
    }
  };

  void rewind_jointly(Record& r, Frame& frame) {
    std::vector<Tensor> dx(r.inputs);
    std::vector<std::pair<int, Tensor>> terms;
    frame.joint = dx.data();
    if (!per_use_.empty()) {
      frame.per_use_slots = per_use_.data();
      frame.terms = &terms;
    }
    r.rules->joint(frame);
    for (auto& [argument, values] : terms) {
      const auto i = static_cast<std::size_t>(argument);
      check_gradient(r, i, values);
      terms_.push_back({r.edges()[i].slot, {std::move(values), {}}});
    }
    for (std::size_t i = 0; i < r.inputs; i++) {
      if (frame.wanted(static_cast<int>(i)) && dx[i].defined()) deliver(r, i, std::move(dx[i]));
    }
  }

  void rewind_argument(Record& r, Frame& frame, std::size_t i) {
    const RuleSet::Argument& rule = r.rules->arguments[i];
    const std::uint32_t slot = r.edges()[i].slot;
    frame.argument = static_cast<int>(i);
    if (rule.into) {
      Tensor apart;
      const bool in_place = !(roles_[slot] & kPerUse);
      frame.into = in_place ? &gradients_[slot] : &apart;
      Tensor sum = rule.call(frame);
      if (in_place) {
        check_gradient(r, i, sum);
        gradients_[slot] = std::move(sum);
      } else {
        deliver(r, i, std::move(sum));
      }
    } else if (rule.rows) {
      Gradient::Term term;
      rule.rows(frame, &term.rows, &term.values);
      check_rows(r, i, frame.kept_shape(static_cast<int>(i)), term);
      deliver_rows(r, i, frame.kept_shape(static_cast<int>(i)), std::move(term));
    } else {
      const bool in_one_pass = rule.unrecorded && !options_.record;
      Tensor dx = in_one_pass ? rule.unrecorded(frame) : rule.call(frame);
      if (r.rules->broadcasts && (r.needs.shapes >> i & 1)) {
        dx = sum_to(std::move(dx), frame.kept_shape(static_cast<int>(i)).shape);
      }
      deliver(r, i, std::move(dx));
    }
  }

  void deliver(Record& r, std::size_t i, Tensor dx) {
    check_gradient(r, i, dx);
    const std::uint32_t slot = r.edges()[i].slot;
    put(slot, std::move(dx), roles_[slot] & kPerUse && many_.is_term(r, i));
  }

  void put(std::uint32_t slot, Tensor dx, bool is_term) {
    if (is_term) terms_.push_back({slot, {dx, {}}});
    if (roles_[slot] & kPerUse && roles_[slot] & kLeaf) return;
    Tensor& sum = gradients_[slot];
    sum = sum.defined() ? std::move(sum) + std::move(dx) : std::move(dx);
  }

  // Rows of a leaf stay rows; a value in the middle of the tape needs its whole gradient.
  void deliver_rows(Record& r, std::size_t i, const Spec& spec, Gradient::Term term) {
    const std::uint32_t slot = r.edges()[i].slot;
    if (roles_[slot] & kLeaf) {
      const bool keeps = !(roles_[slot] & kPerUse) || many_.is_term(r, i);
      if (keeps) terms_.push_back({slot, std::move(term)});
    } else if (roles_[slot] & kPerUse) {
      put(slot, add_rows(zeros(spec.shape, spec.dtype), term.rows, term.values),
          many_.is_term(r, i));
    } else {
      Tensor& sum = gradients_[slot];
      if (!sum.defined()) sum = zeros(spec.shape, spec.dtype);
      sum = add_rows(std::move(sum), term.rows, term.values);
    }
  }

  Gradients collect() {
    Gradients result;
    const auto earlier = [](const SlotTerm& a, const SlotTerm& b) { return a.first < b.first; };
    std::stable_sort(terms_.begin(), terms_.end(), earlier);
    const std::vector<Tape::Leaf>& leaves = options_.wrt.empty() ? tape_.leaves_ : limited_;
    for (const Tape::Leaf& leaf : leaves) {
      if (leaf.slot >= slots_ || !(roles_[leaf.slot] & kWanted)) continue;
      if (result.find(leaf.variable)) continue;  // watched twice
      Gradient gradient{leaf.variable.spec(), {}};
      if (gradients_[leaf.slot].defined() && !(roles_[leaf.slot] & kPerUse)) {
        gradient.terms.push_back({contiguous(gradients_[leaf.slot]), {}});
      }
      const SlotTerm wanted{leaf.slot, {}};
      const auto [from, end] = std::equal_range(terms_.begin(), terms_.end(), wanted, earlier);
      for (auto term = from; term != end; ++term) {
        gradient.terms.push_back({contiguous(term->second.values), term->second.rows});
      }
      result.add(leaf.variable, std::move(gradient));
    }
    return result;
  }

  Tape& tape_;
  const BackwardOptions& options_;
  const std::uint32_t slots_;
  const int pauses_;                  // of the tape, before this rewind
  std::vector<Tensor> gradients_;     // by slot
  std::vector<std::uint8_t> roles_;   // by slot
  std::vector<std::uint8_t> needed_;  // by slot; empty: everything is
  std::vector<Tape::Leaf> limited_;   // the variables of `wrt`
  std::vector<SlotTerm> terms_;
  std::vector<std::uint8_t> per_use_;  // by slot; empty: no terms are asked for
  OperationsOfManyUses many_;          // met where terms are asked for
};

Gradients Tape::backward(const Tensor& loss, const BackwardOptions& options) {
  require<ShapeError>(
      loss.size() == 1,
      "backward: the loss has {} elements, {}; reduce it with sum or mean, or give the "
      "gradient that arrives as {{{{y, dy}}}}",
      loss.size(), loss.spec());
  return backward({{loss, ones(loss.shape(), loss.dtype())}}, options);
}

Gradients Tape::backward(const std::vector<Upstream>& upstream, const BackwardOptions& options) {
  Record* const last = last_;
  Rewinder rewinder(*this, options);
  for (const Upstream& from : upstream) rewinder.start(from);
  return rewinder.run(last);
}

}  // namespace rw
