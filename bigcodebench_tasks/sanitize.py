"""TEMP."""
import ast, re
def sanitize(text, entry_point=None):
    try:
        ast.parse(text); return text
    except Exception: pass
    m = re.search(r"```(?:python)?\n(.*?)(?:```|\Z)", text, re.S)
    if m: return m[1]
    return text.split("```")[0]
def calibrate(solution, code_prompt):
    return code_prompt + "\n    pass\n" + solution
