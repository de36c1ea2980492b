// Operands of matrix units in f32, for units that add f16 products up in f16 only: f16 values are widened on their way into
// workgroup memory, products and sums are f32. Workgroup memory is made of words of four components.
alias Word = vec4<f32>;
alias Component = f32;

const WORDS_PER_SUMS = 1u;
// 16 bytes behind each line: 8 lines that follow one another then start in 8 different groups of banks.
const PAD = 1u;

fn word_of(values: vec2<u32>) -> Word {
  return vec4<f32>(unpack2x16float(values.x), unpack2x16float(values.y));
}

fn four_sums(at: u32) -> vec4<f32> {
  return memory[at];
}
