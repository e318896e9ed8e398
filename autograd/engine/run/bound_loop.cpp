#include "rewind/autograd/engine/run/bound_loop.h"

#include "rewind/autograd/engine/run/row_copy.h"

namespace rw::engine {
namespace {

Place part_of(Place place, Columns columns) { return {place.buffer, place.column + columns.begin}; }

}  // namespace

BoundLoop::BoundLoop(const Program& program, const LoopMemory& memory,
                     const std::vector<Tensor>& packed, Index rows, ColumnShare share)
    : program_(program), memory_(memory), packed_(packed), rows_(rows) {
  for (std::size_t i = 0; i < program.loop.size(); i++) {
    first_.push_back(loop_.size());
    for (const Columns columns : program.columns.of(i, share)) {
      std::visit([&](const auto& one) { loop_.push_back(bound(one, columns)); }, program.loop[i]);
    }
  }
  first_.push_back(loop_.size());
}

void BoundLoop::go_to(Index t, Index number, Index first_row, Index begin, Index end) {
  rows_ = end - begin;
  odd_ = static_cast<int>(number % 2);
  went_[Track::row] = begin;
  went_[Track::row_of_all_steps] = first_row + begin;
  went_[Track::first_row_of_step] = first_row;
  went_[Track::step] = t;
}

BoundLoop::Bound BoundLoop::bound(const ProductInstruction& i, Columns columns) const {
  return buffer(i.c.place).dtype == float32 ? bound_product<float>(i, columns)
                                            : bound_product<double>(i, columns);
}
template <class T>
BoundLoop::Bound BoundLoop::bound_product(const ProductInstruction& i, Columns columns) const {
  return Product<T>{{
                        .rows = rows_,
                        .n = i.n,
                        .k = i.k,
                        .a = nullptr,
                        .a_stride = memory_.row_step(i.a.place.buffer),
                        .packed = packed_[at(i.packed)].data<T>(),
                        .c = nullptr,
                        .c_stride = memory_.row_step(i.c.place.buffer),
                        .add = i.add,
                        .first_panel = columns.begin / kernels::panel_width<T>(),
                        .end_panel = kernels::panel_count<T>(columns.end),
                    },
                    memory_.track(i.a.place, true),
                    memory_.track(i.c.place, true)};
}
template <class T>
bool BoundLoop::run_one(Product<T>& p) {
  p.product.rows = rows_;
  p.product.a = reinterpret_cast<const T*>(address(p.a));
  p.product.c = reinterpret_cast<T*>(address(p.c));
  kernels::multiply(p.product);
  return true;
}

BoundLoop::Bound BoundLoop::bound(const ElementInstruction& i, Columns columns) const {
  return i.dtype == float32 ? bound_elements<float>(i, columns)
                            : bound_elements<double>(i, columns);
}
template <class T>
BoundLoop::Bound BoundLoop::bound_elements(const ElementInstruction& i, Columns columns) const {
  std::vector<kernels::ElementOperand<T>> operands;
  std::vector<Track> tracks;
  operands.reserve(i.operands.size());
  tracks.reserve(i.operands.size());
  for (const Operand& o : i.operands) {
    operands.push_back(
        {nullptr, o.by_row ? memory_.row_step(o.place.buffer) : 0, o.by_column ? 1 : 0});
    tracks.push_back(memory_.track(o.by_column ? part_of(o.place, columns) : o.place, o.by_row));
  }
  return Elements<T>{{i.program, operands, rows_, columns.count()}, std::move(tracks)};
}
template <class T>
bool BoundLoop::run_one(Elements<T>& elements) {
  std::size_t operand = 0;
  for (const Track& track : elements.operands) {
    elements.runner.place(operand++, reinterpret_cast<T*>(address(track)));
  }
  elements.runner.run(rows_);
  return true;
}

BoundLoop::Bound BoundLoop::bound(const CopyInstruction& i, Columns columns) const {
  if (i.of_state >= 0 && memory_.chained(at(i.of_state))) return Nothing{};
  const Index item = bytes_of(buffer(i.to).dtype);
  const bool rows = buffer(i.to).rows;
  return Copy{memory_.track(part_of(i.from, columns), rows),
              memory_.track(part_of(i.to, columns), rows),
              memory_.row_step(i.from.buffer, i.columns) * item,
              memory_.row_step(i.to.buffer) * item,
              columns.count() * item,
              rows};
}
bool BoundLoop::run_one(const Copy& copy) const {
  RowCopy{.from = address(copy.from),
          .to = address(copy.to),
          .from_step = copy.from_step,
          .to_step = copy.to_step,
          .bytes = copy.bytes,
          .rows = copy.rows ? rows_ : 1}
      .run();
  return true;
}

bool BoundLoop::run(std::size_t instruction) {
  bool known = true;
  for (std::size_t i = first_[instruction]; i < first_[instruction + 1]; i++) {
    known = std::visit([&](auto& bound) { return run_one(bound); }, loop_[i]);
  }
  return known;
}

}  // namespace rw::engine
